import { execFileSync } from 'node:child_process';
import path from 'node:path';

const root = path.join(__dirname, '../../..');

// As its own process, compiled: the generator's packages are ES modules that Jest cannot load.
test('the types of the client are those of the document', () => {
  const check = [path.join(root, 'dist/tools/codegen/client.js'), '--check'];
  const said = execFileSync(process.execPath, check, { cwd: root, encoding: 'utf8' });
  expect(said).toContain('agrees with api/internal-openapi.yaml');
});
