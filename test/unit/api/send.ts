import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';

export interface HttpRequest {
  method?: string;
  url: string;
  headers?: Record<string, string | string[]>;
  payload?: string | Buffer;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Sends what `fetch` would refuse to send: any method, repeated headers, addresses as they are. */
export function sendTo(
  port: number,
  { method = 'GET', url, headers = {}, payload }: HttpRequest,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    // Node does not say it by itself for methods that seldom have a body.
    const length = payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload).toString() };
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      method,
      path: url,
      headers: { ...length, ...headers },
      agent: new Agent(),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, body: Buffer.concat(chunks).toString() });
      });
    });
    request.end(payload);
  });
}
