import { freshStores, gameIn, IMAGE, newGame, registrationOf, VERSION } from './records';

let stores: Awaited<ReturnType<typeof freshStores>>;

beforeAll(async () => {
  stores = await freshStores();
});

afterAll(() => stores.end());

describe('engine versions', () => {
  it('are created once', async () => {
    const { versions } = stores;
    const created = await versions.create({
      version: '2.0.0',
      imageRef: IMAGE,
      options: { speed: [1, 'x'] },
    });
    expect(created).toEqual({
      version: '2.0.0',
      imageRef: IMAGE,
      options: { speed: [1, 'x'] },
      status: 'active',
      createdAt: expect.any(Date) as Date,
      updatedAt: created.createdAt,
    });
    expect(await versions.find('2.0.0')).toEqual(created);
    await expect(versions.create({ version: '2.0.0', imageRef: 'other:1' })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await versions.find('2.0.0')).toEqual(created);
    expect((await versions.create({ version: '2.0.1', imageRef: IMAGE })).options).toEqual({});
    expect(await versions.find('2.0.2')).toBeNull();
  });

  it('are listed by semver precedence and by status', async () => {
    const { versions } = stores;
    const ordered = [
      '3.0.0-alpha',
      '3.0.0-alpha.2',
      '3.0.0-alpha.10',
      '3.0.0-rc.1',
      '3.0.0',
      '3.9.0',
      '3.10.0',
    ];
    for (const version of [...ordered].reverse()) await versions.create({ version, imageRef: IMAGE });
    await versions.deprecate('3.9.0');
    const listed = async (status?: 'active' | 'deprecated') =>
      (await versions.list(status))
        .map(({ version }) => version)
        .filter((version) => version.startsWith('3.'));
    expect(await listed()).toEqual(ordered);
    expect(await listed('active')).toEqual(ordered.filter((version) => version !== '3.9.0'));
    expect(await listed('deprecated')).toEqual(['3.9.0']);
  });

  it('resolve to an image while they are active', async () => {
    const { versions } = stores;
    await versions.create({ version: '4.0.0', imageRef: 'galaxy/engine:4' });
    expect(await versions.resolveImageRef('4.0.0')).toBe('galaxy/engine:4');
    await versions.deprecate('4.0.0');
    await expect(versions.resolveImageRef('4.0.0')).rejects.toMatchObject({
      code: 'engine_version_deprecated',
    });
    await expect(versions.resolveImageRef('4.0.9')).rejects.toMatchObject({
      code: 'engine_version_not_found',
    });
  });

  it('change only what is named', async () => {
    const { versions } = stores;
    const before = await versions.create({ version: '5.0.0', imageRef: IMAGE, options: { a: 1 } });
    const image = await versions.update('5.0.0', { imageRef: 'other:5' });
    expect(image).toEqual({ ...before, imageRef: 'other:5', updatedAt: image.updatedAt });
    expect(await versions.update('5.0.0', { options: { b: 2 }, status: 'deprecated' })).toMatchObject({
      imageRef: 'other:5',
      options: { b: 2 },
      status: 'deprecated',
    });
    expect(await versions.update('5.0.0', { status: 'active' })).toMatchObject({ status: 'active' });
    await expect(versions.update('5.9.9', { imageRef: 'x:1' })).rejects.toMatchObject({
      code: 'engine_version_not_found',
    });
  });

  it('are deprecated twice without a difference', async () => {
    const { versions } = stores;
    await versions.create({ version: '6.0.0', imageRef: IMAGE });
    const first = await versions.deprecate('6.0.0');
    expect(first.status).toBe('deprecated');
    expect(await versions.deprecate('6.0.0')).toEqual(first);
    await expect(versions.deprecate('6.9.9')).rejects.toMatchObject({ code: 'engine_version_not_found' });
  });

  it('are deleted unless a game that is not over uses them', async () => {
    const { versions, records } = stores;
    await versions.create({ version: '7.0.0', imageRef: IMAGE });
    const game = newGame();
    await records.insertStarting(registrationOf(game, '7.0.0'));
    await expect(versions.delete('7.0.0')).rejects.toMatchObject({ code: 'engine_version_in_use' });
    await records.change({ ...game, revision: 2, to: 'running' });
    await expect(versions.delete('7.0.0')).rejects.toMatchObject({ code: 'engine_version_in_use' });
    await records.change({ ...game, revision: 3, to: 'stopped' });
    await versions.delete('7.0.0');
    expect(await versions.find('7.0.0')).toBeNull();
    expect(await records.find(game.gameId)).toMatchObject({ engineVersion: '7.0.0', status: 'stopped' });
    await expect(versions.delete('7.0.0')).rejects.toMatchObject({ code: 'engine_version_not_found' });
  });

  it('in use by many games stay', async () => {
    await Promise.all(Array.from({ length: 5 }, () => gameIn('running', stores)));
    await expect(stores.versions.delete(VERSION)).rejects.toMatchObject({ code: 'engine_version_in_use' });
  });
});
