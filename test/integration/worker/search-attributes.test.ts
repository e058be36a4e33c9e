import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { registerSearchAttributes } from '../../../worker/search-attributes';
import { stackAddresses, waitFor } from '../../support/stack';

let connection: Connection;

beforeAll(async () => {
  connection = await Connection.connect({ address: stackAddresses().temporalAddress });
});
afterAll(() => connection.close());

/** A namespace without any search attribute. */
async function freshNamespace(): Promise<string> {
  const namespace = `test-${randomUUID()}`;
  const day = { seconds: 24 * 3600 as unknown as Long };
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day });
  await waitFor(() => listed(namespace).then(() => true), { describe: 'the namespace to be there' });
  return namespace;
}

async function listed(namespace: string): Promise<Record<string, unknown>> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return customAttributes;
}
