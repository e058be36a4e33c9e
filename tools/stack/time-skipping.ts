import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { installWithApt } from './apt';
import { cacheDir, fillCache } from './cache';
import { findProgram, run } from './program';
import { sdkDownload } from './sdk-download';

const version = '1.32.1';
const folder = `time-skipping-${version}`;
const name = 'temporal-test-server';

/**
 * The path of an executable time-skipping Temporal test server, for `TestWorkflowEnvironment.createTimeSkipping`
 * as `{ server: { executable: { type: 'existing-path', path } } }`: the cached one, else downloaded by the SDK,
 * else the Java artifact with a small script that starts it.
 * @throws Error saying what to install when none of these works
 */
export async function timeSkippingServer(log: (line: string) => void): Promise<string> {
  return (
    (await findProgram(name, [path.join(cacheDir(), folder)])) ??
    (await sdkDownload('time-skipping', folder, name, log)) ??
    (await fromMaven(log))
  );
}

async function fromMaven(log: (line: string) => void): Promise<string> {
  const tools = async (): Promise<[string | undefined, string | undefined]> => [
    await findProgram('java'),
    await findProgram('mvn'),
  ];
  let [java, maven] = await tools();
  if (java === undefined || maven === undefined) {
    await installWithApt({ log }, 'default-jre-headless maven');
    [java, maven] = await tools();
  }
  if (java === undefined || maven === undefined) {
    throw new Error(
      "Workflow tests need Temporal's time-skipping test server. It could not be downloaded, and its Java edition " +
        'needs Java 11 or newer and Maven: install them (Debian, Ubuntu: apt-get install default-jre-headless ' +
        'maven; macOS: brew install maven).',
    );
  }
  log(`Fetching the Java edition of Temporal's time-skipping test server ${version} with Maven (once)`);
  const filled = await fillCache(folder, async (temporary) => {
    const project = path.join(temporary, 'pom.xml');
    const jars = path.join(temporary, 'jars');
    await mkdir(jars);
    await writeFile(project, pom);
    const copy = ['-q', '-B', '-f', project, 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    await run(maven, [...copy, `-DoutputDirectory=${jars}`]);
    await rm(project);
    await writeFile(path.join(temporary, name), startScript, { mode: 0o755 });
  });
  return path.join(filled, name);
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>galaxy</groupId>
  <artifactId>time-skipping-test-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;

// The SDK waits 5 s for the server: the flags favour a quick start. Its arguments (the port first) are passed on;
// what Java says about missing loggers is of no use to anybody.
const startScript = `#!/bin/sh
exec java -Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx512m \\
  -cp "$(dirname "$0")/jars/*" io.temporal.testserver.TestServer "$@" 2>/dev/null
`;
