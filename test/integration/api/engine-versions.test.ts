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

describe('a change', () => {
  const change = (version: string, body: object) => door.call('PATCH', `${VERSIONS}/${version}`, { body });

  test('is of what is named, and of nothing else', async () => {
    const { body: before } = await create('4.0.0', { options: { memory_mb: 512, keep: true } });
    const { status, body } = await change('4.0.0', { options: { memory_mb: 1024 } });
    expect([status, body]).toEqual([
      200,
      { ...before, options: { memory_mb: 1024 }, updated_at: expect.any(String) as string },
    ]);
    expect(Date.parse(String(body['updated_at']))).toBeGreaterThan(Date.parse(String(before['updated_at'])));
    const image = 'registry.example/galaxy/engine:rebuilt';
    expect((await change('4.0.0', { image_ref: image, status: 'deprecated' })).body).toEqual({
      ...body,
      image_ref: image,
      status: 'deprecated',
      updated_at: expect.any(String) as string,
    });
    expect((await change('4.0.0', { status: 'active' })).body).toMatchObject({ status: 'active' });
    expect((await door.call('GET', `${VERSIONS}/4.0.0/image-ref`)).body).toEqual({ image_ref: image });
  });

  test.each([
    ['of nothing', {}],
    ['of the version itself', { version: '4.0.1' }],
    ['to no image', { image_ref: 'engine' }],
    ['to no options', { options: null }],
    ['to an unknown status', { status: 'retired' }],
    ['with an unknown field', { status: 'active', labels: {} }],
  ])('%s is refused', async (_what, body) => {
    await create('4.1.0');
    const reply = await change('4.1.0', body);
    expect([reply.status, reply.body]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  });
});

test('deprecating a version twice changes it once', async () => {
  await create('5.0.0');
  const deprecate = () => door.call('POST', `${VERSIONS}/5.0.0/deprecate`);
  const first = await deprecate();
  expect([first.status, first.body]).toMatchObject([200, { status: 'deprecated' }]);
  const second = await deprecate();
  expect([second.status, second.body]).toEqual([200, first.body]);
});

describe('removing a version', () => {
  const remove = async (version: string) =>
    (await fetch(`${door.baseUrl}${VERSIONS}/${version}`, { method: 'DELETE' })).status;
  const play = (game: string, version: string, status: string) =>
    door.database.pool.query(
      `INSERT INTO gamemaster.runtime_records (game_id, registration_id, revision, status, engine_endpoint,
         current_image_ref, current_engine_version, turn_schedule)
       VALUES ($1, 'run', 2, $2, 'http://galaxy-game-1', 'engine', $3, '0 18 * * *')`,
      [game, status, version],
    );

  test.each(['starting', 'running', 'generation_in_progress', 'generation_failed', 'engine_unreachable'])(
    'is refused while a game is %s on it',
    async (status) => {
      const version = `6.0.${status.length}`;
      await create(version);
      await play(`six-${status}`, version, status);
      expect(await remove(version)).toBe(409);
      expect((await door.call('GET', `${VERSIONS}/${version}`)).status).toBe(200);
    },
  );

  test('is possible when all its games are over, and it can be created again', async () => {
    await create('6.1.0');
    await play('over-1', '6.1.0', 'stopped');
    await play('over-2', '6.1.0', 'finished');
    expect(await remove('6.1.0')).toBe(204);
    expect(await remove('6.1.0')).toBe(404);
    expect((await create('6.1.0')).status).toBe(201);
  });
});
