import { createConfig, lint } from '@redocly/openapi-core';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head', 'trace'];

/** A node of the YAML: the tests ask for what they expect and get undefined where it is not. */
export type Node = { [key: string]: Node } & { $ref?: string };

export interface Operation {
  method: string;
  path: string;
  node: Node;
}

/** An example beside the schema it must fit, both by where they stand in the document. */
export interface Example {
  at: string;
  schemaAt: string;
  value: unknown;
  /** The codes its response may carry; undefined where it is no error. */
  errorCodes: string[] | undefined;
}

/** An OpenAPI 3.1 document of this repository, with its schemas ready to validate by. */
export class OpenApiDocument {
  readonly file: string;
  readonly root: Node;
  private readonly ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: true });

  constructor(pathInRepository: string) {
    this.file = join(__dirname, '../../..', pathInRepository);
    this.root = parse(readFileSync(this.file, 'utf8')) as Node;
    addFormats(this.ajv);
    this.ajv.addSchema(this.root, 'document');
  }

  /** What a structural check by the OpenAPI specification finds wrong. */
  async problems(): Promise<string[]> {
    const config = await createConfig({ extends: ['spec'] });
    const found = await lint({ ref: this.file, config });
    return found.map((problem) => `${problem.location[0]?.pointer ?? ''}: ${problem.message}`);
  }

  operations(): Map<string, Operation> {
    const operations = new Map<string, Operation>();
    for (const [path, item] of entries(this.root['paths'])) {
      for (const [method, node] of entries(item)) {
        if (!METHODS.includes(method)) continue;
        const id = node['operationId'] as unknown as string;
        if (operations.has(id)) throw new Error(`operation id ${id} is there twice`);
        operations.set(id, { method: method.toUpperCase(), path, node });
      }
    }
    return operations;
  }

  operation(id: string): Operation {
    const operation = this.operations().get(id);
    if (operation === undefined) throw new Error(`the document has no operation ${id}`);
    return operation;
  }

  /** The node itself, or what it refers to. */
  resolve(node: Node): Node {
    if (node.$ref === undefined) return node;
    return this.resolve(this.at(node.$ref.slice(1)));
  }

  at(pointer: string): Node {
    let node: Node | undefined = this.root;
    for (const part of pointer.split('/').slice(1)) {
      node = node[part.replaceAll('~1', '/').replaceAll('~0', '~')];
      if (node === undefined) throw new Error(`nothing at ${pointer}`);
    }
    return node;
  }

  validator(pointer: string): ValidateFunction {
    return this.ajv.compile({ $ref: `document#${pointer}` });
  }

  /** A validator of a schema as it stands in the document: what it refers to is there. */
  compile(schema: Node): ValidateFunction {
    const text = JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"document#');
    return this.ajv.compile(JSON.parse(text) as object);
  }

  /** `name in place` of each parameter of an operation, with `*` where it is required. */
  parametersOf(id: string): string[] {
    const { path, node } = this.operation(id);
    const all = [list(this.at(`/paths/${escape(path)}`)['parameters']), list(node['parameters'])].flat();
    return all.map((parameter) => {
      const { name, in: place, required } = this.resolve(parameter) as Record<string, unknown>;
      return `${String(name)} ${String(place)}${required === true ? '*' : ''}`;
    });
  }

  /** The name of the schema of a body of JSON; null when there is no body, `inline` when it has no name. */
  bodyOf(holder: Node | undefined): string | null {
    const content = holder === undefined ? undefined : this.resolve(holder)['content'];
    if (content === undefined) return null;
    return content['application/json']?.['schema']?.$ref?.split('/').at(-1) ?? 'inline';
  }

  responsesOf(id: string): [status: string, response: Node][] {
    return entries(this.operation(id).node['responses']).map(([status, node]) => [
      status,
      this.resolve(node),
    ]);
  }

  /** The error codes of an operation, by status. */
  errorCodesOf(id: string): Record<string, string[]> {
    return Object.fromEntries(
      this.responsesOf(id)
        .filter(([, response]) => response['x-error-codes'] !== undefined)
        .map(([status, response]) => [status, response['x-error-codes'] as unknown as string[]]),
    );
  }

  /** Where in the document each schema of an object stands. */
  objectSchemas(): string[] {
    const found: string[] = [];
    walk(this.root, '', (node, pointer) => {
      const type = node['type'] as unknown;
      if (type === 'object' || (node['properties'] !== undefined && !pointer.endsWith('/properties')))
        found.push(pointer);
    });
    return found;
  }

  /** Every example of a parameter, header, request or response. */
  examples(): Example[] {
    const found: Example[] = [];
    walk(this.root, '', (node, pointer, codes) => {
      if (node['schema'] === undefined || pointer.includes('/examples/')) return;
      const schemaAt = `${pointer}/schema`;
      if ('example' in node) {
        found.push({ at: `${pointer}/example`, schemaAt, value: node['example'], errorCodes: codes });
      }
      for (const [name, example] of entries(node['examples'])) {
        const at = `${pointer}/examples/${name}`;
        found.push({ at, schemaAt, value: this.resolve(example)['value'], errorCodes: codes });
      }
    });
    return found;
  }

  /** The examples of an operation's bodies: requests and successes. */
  exampleNamesOf(holder: Node | undefined): string[] {
    const content = holder === undefined ? undefined : this.resolve(holder)['content'];
    return entries(content).flatMap(([, media]) => entries(media['examples']).map(([name]) => name));
  }
}

export function entries(node: Node | undefined): [string, Node][] {
  return Object.entries(node ?? {}) as [string, Node][];
}

/** Fields of an object schema, those that are not required with a question mark. */
export function fieldsOf(schema: Node): string[] {
  const required = new Set(list(schema['required']) as unknown as string[]);
  for (const name of required) {
    if (schema['properties']?.[name] === undefined)
      throw new Error(`required field ${name} is not described`);
  }
  return entries(schema['properties']).map(([name]) => (required.has(name) ? name : `${name}?`));
}

function list(node: Node | undefined): Node[] {
  return (node ?? []) as unknown as Node[];
}

function escape(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

function walk(
  node: unknown,
  pointer: string,
  visit: (node: Node, pointer: string, errorCodes: string[] | undefined) => void,
  errorCodes?: string[],
): void {
  if (typeof node !== 'object' || node === null) return;
  const codes = ((node as Node)['x-error-codes'] as unknown as string[] | undefined) ?? errorCodes;
  visit(node as Node, pointer, codes);
  for (const [key, child] of Object.entries(node)) {
    // Values of examples are data, whatever they look like.
    if (key === 'value' || key === 'example' || key === 'x-error-codes') continue;
    walk(child, `${pointer}/${escape(key)}`, visit, codes);
  }
}

/** Every example fits its schema, and every error's code is one that its response may carry. */
export function expectExamplesToFit(document: OpenApiDocument, { moreThan }: { moreThan: number }): void {
  const examples = document.examples();
  expect(examples.length).toBeGreaterThan(moreThan);
  for (const { at, schemaAt, value, errorCodes } of examples) {
    const validate = document.validator(schemaAt);
    validate(value);
    expect([at, validate.errors]).toEqual([at, null]);
    const code = (value as { error?: { code: string } } | null)?.error?.code;
    if (code !== undefined) expect([at, errorCodes]).toEqual([at, expect.arrayContaining([code])]);
  }
}
