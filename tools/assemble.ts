import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/**
 * The second half of `npm run build`, after the compiler: puts beside the compiled code the files that it reads
 * when it runs, and bundles the workflows so that a worker starts without a bundler.
 */
const dist = path.resolve(__dirname, '..');
const root = path.resolve(dist, '..');

const assets: { folder: string; extensions: string[] }[] = [
  { folder: 'migrations', extensions: ['.sql'] },
  { folder: 'api', extensions: ['.yaml'] },
  { folder: 'platform', extensions: ['.yaml', '.sql'] },
  { folder: 'tools/stack', extensions: ['.cjs'] },
];

async function copyAssets(): Promise<void> {
  for (const { folder, extensions } of assets) {
    for (const file of await readdir(path.join(root, folder), { recursive: true })) {
      if (!extensions.includes(path.extname(file))) continue;
      const target = path.join(dist, folder, file);
      await mkdir(path.dirname(target), { recursive: true });
      await copyFile(path.join(root, folder, file), target);
    }
  }
}

async function bundleWorkflows(name: string, workflowInterceptorModules: string[]): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(dist, 'workflows', 'index.js'),
    workflowInterceptorModules,
    failureConverterPath: path.join(dist, 'workflows', 'failure-converter.js'),
    // cron-parser can read crontab files and imports fs for it; workflows only use its arithmetic.
    ignoreModules: ['fs'],
    logger: new DefaultLogger('WARN'),
  });
  await mkdir(path.join(dist, 'worker'), { recursive: true });
  await writeFile(path.join(dist, 'worker', name), code);
}

async function main(): Promise<void> {
  await copyAssets();
  await bundleWorkflows('workflow-bundle.js', []);
  await bundleWorkflows('workflow-bundle-traced.js', [path.join(dist, 'workflows', 'traced.js')]);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
