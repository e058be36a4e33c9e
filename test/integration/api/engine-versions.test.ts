import { API, FrontDoor } from './front-door';

let door: FrontDoor;
beforeAll(async () => {
  door = await FrontDoor.open();
});
afterAll(() => door.close());

const VERSIONS = `${API}/engine-versions`;
const imageOf = (version: string) => `registry.example/galaxy/engine:${version}`;
const create = (version: string, more: object = {}) =>
  door.call('POST', VERSIONS, { body: { version, image_ref: imageOf(version), ...more } });

test('a version is created active, and read back as it was told', async () => {
  const options = { memory_mb: 512, env: [{ name: 'A', value: null }], nested: { deep: ['ü', 1.5, true] } };
  const created = await create('1.4.2', { options });
  expect(created.status).toBe(201);
  expect(created.body).toEqual({
    version: '1.4.2',
    image_ref: imageOf('1.4.2'),
    options,
    status: 'active',
    created_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string,
    updated_at: created.body['created_at'],
  });
  const read = await door.call('GET', `${VERSIONS}/1.4.2`);
  expect([read.status, read.body]).toEqual([200, created.body]);
  const image = await door.call('GET', `${VERSIONS}/1.4.2/image-ref`);
  expect([image.status, image.body]).toEqual([200, { image_ref: imageOf('1.4.2') }]);
});

test('options are an empty object by default', async () => {
  expect((await create('1.5.0')).body).toMatchObject({ options: {} });
});

test('of many who create one version at once, one does', async () => {
  const replies = await Promise.all(Array.from({ length: 10 }, () => create('2.0.0')));
  expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
  for (const { body } of replies.filter(({ status }) => status === 409)) {
    expect(body).toMatchObject({ error: { code: 'conflict' } });
  }
});

test('what is not registered is not found', async () => {
  for (const path of [`${VERSIONS}/9.9.9`, `${VERSIONS}/9.9.9/image-ref`]) {
    const { status, body } = await door.call('GET', path);
    expect([status, body]).toMatchObject([404, { error: { code: 'engine_version_not_found' } }]);
  }
});

test('a deprecated version is still shown, but has no image for new games', async () => {
  await create('3.0.0');
  await door.database.pool.query(
    `UPDATE gamemaster.engine_versions SET status = 'deprecated' WHERE version = '3.0.0'`,
  );
  expect((await door.call('GET', `${VERSIONS}/3.0.0`)).body).toMatchObject({ status: 'deprecated' });
  const { status, body } = await door.call('GET', `${VERSIONS}/3.0.0/image-ref`);
  expect([status, body]).toMatchObject([409, { error: { code: 'engine_version_deprecated' } }]);
});

test('versions are listed in semver order, all or by status', async () => {
  const other = await FrontDoor.open();
  const versions = ['1.10.0', '1.9.0', '1.10.0-rc.1', '1.9.10', '1.9.9'];
  for (const version of versions) {
    await other.call('POST', VERSIONS, { body: { version, image_ref: imageOf(version) } });
  }
  await other.database.pool.query(
    `UPDATE gamemaster.engine_versions SET status = 'deprecated' WHERE version LIKE '1.10.%'`,
  );
  const list = async (query: string) => {
    const { status, body } = await other.call('GET', `${VERSIONS}${query}`);
    expect([status, Object.keys(body)]).toEqual([200, ['engine_versions']]);
    return (body['engine_versions'] as { version: string }[]).map(({ version }) => version);
  };
  expect(await list('')).toEqual(['1.9.0', '1.9.9', '1.9.10', '1.10.0-rc.1', '1.10.0']);
  expect(await list('?status=active')).toEqual(['1.9.0', '1.9.9', '1.9.10']);
  expect(await list('?status=deprecated')).toEqual(['1.10.0-rc.1', '1.10.0']);
  await other.close();
});
