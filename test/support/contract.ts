import type { ValidateFunction } from 'ajv/dist/2020';
import { OpenApiDocument, entries, type Node } from '../unit/contracts/openapi-document';
import type { HttpAnswer, HttpRequest } from '../unit/api/send';

const JSON_TYPE = 'application/json; charset=utf-8';

/** A committed document, the api's unless another is named, as a judge of requests and answers. */
export class Contract {
  readonly document: OpenApiDocument;
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(pathInRepository = 'api/internal-openapi.yaml') {
    this.document = new OpenApiDocument(pathInRepository);
  }

  get operationIds(): string[] {
    return [...this.document.operations().keys()];
  }

  /** Every way in which an operation may end: `201`, `409 conflict`, ... */
  outcomesOf(id: string): string[] {
    return this.document.responsesOf(id).flatMap(([status, response]) => {
      const codes = response['x-error-codes'] as unknown as string[] | undefined;
      return codes === undefined ? [status] : codes.map((code) => `${status} ${code}`);
    });
  }

  /** The operation's request, made of the examples in the document. */
  exampleRequest(id: string): HttpRequest {
    const { method, path, node } = this.document.operation(id);
    const parameters = [
      ...list(this.document.root['paths']?.[path]?.['parameters']),
      ...list(node['parameters']),
    ]
      .map((parameter) => this.document.resolve(parameter) as Record<string, unknown>)
      .filter(({ required }) => required === true);
    const valuesIn = (place: string): [string, string][] =>
      parameters
        .filter((parameter) => parameter['in'] === place)
        .map(({ name, example }) => [String(name), String(example)]);
    const url = valuesIn('path').reduce((url, [name, value]) => url.replace(`{${name}}`, value), path);
    const headers = Object.fromEntries(valuesIn('header'));
    const [example] = entries(node['requestBody']?.['content']?.['application/json']?.['examples']);
    if (example === undefined) return { method, url, headers };
    return {
      method,
      url,
      headers: { ...headers, 'content-type': 'application/json' },
      payload: JSON.stringify(example[1]['value']),
    };
  }

  /** Throws, saying what is wrong, unless the operation may end with this answer. Returns which outcome it is. */
  check(id: string, { status, headers, body }: HttpAnswer): string {
    const response = this.responseOf(id, status);
    this.checkHeaders(response, headers);
    const content = response['content'];
    if (content === undefined) {
      if (body !== '') throw new Error(`${id} ${status} has a body: ${body}`);
      return status.toString();
    }
    // What the engine says is passed on, whatever it is.
    if (content['*/*'] !== undefined) return '2XX';
    if (headers['content-type'] !== JSON_TYPE) {
      throw new Error(`${id} ${status} is ${headers['content-type'] ?? 'of no type'}`);
    }
    const value = JSON.parse(body) as { error?: { code: string } };
    this.validate(content['application/json']?.['schema'] ?? {}, value);
    const codes = response['x-error-codes'] as unknown as string[] | undefined;
    if (codes === undefined) return status.toString();
    const code = value.error?.code ?? '';
    if (!codes.includes(code))
      throw new Error(`${id} ${status} has the code ${code}, not ${codes.join(', ')}`);
    return `${status} ${code}`;
  }

  private responseOf(id: string, status: number): Node {
    const responses = new Map(this.document.responsesOf(id));
    const response =
      responses.get(status.toString()) ?? (status >= 200 && status < 300 ? responses.get('2XX') : undefined);
    if (response === undefined) throw new Error(`${id} does not answer ${status}`);
    return response;
  }

  private checkHeaders(response: Node, headers: HttpAnswer['headers']): void {
    for (const [name, node] of entries(response['headers'])) {
      const { required, schema } = this.document.resolve(node) as { required?: unknown; schema?: Node };
      const value = headers[name.toLowerCase()];
      if (value === undefined) {
        if (required === true) throw new Error(`header ${name} is missing`);
        continue;
      }
      const isNumber = (schema?.['type'] as unknown) === 'integer';
      this.validate(schema ?? {}, isNumber ? Number(value) : value);
    }
  }

  private validate(schema: Node, value: unknown): void {
    const key = JSON.stringify(schema);
    const validate = this.validators.get(key) ?? this.document.compile(schema);
    this.validators.set(key, validate);
    if (!validate(value)) {
      throw new Error(`${JSON.stringify(value)} does not fit ${key}: ${JSON.stringify(validate.errors)}`);
    }
  }
}

function list(node: Node | undefined): Node[] {
  return (node ?? []) as unknown as Node[];
}
