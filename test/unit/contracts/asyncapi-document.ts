import { Parser } from '@asyncapi/parser';
import Ajv2020 from 'ajv/dist/2020';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Schema {
  $ref?: string;
  type?: string;
  const?: string;
  required?: string[];
  additionalProperties?: boolean;
  properties?: Record<string, Schema>;
  contentMediaType?: string;
  contentSchema?: Schema;
}

interface Root {
  asyncapi: string;
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  operations: Record<string, { action: string; channel: { $ref: string }; messages: { $ref: string }[] }>;
  components: {
    messages: Record<
      string,
      { name: string; payload: Schema; examples: { payload: Record<string, string> }[] }
    >;
    schemas: Record<string, Schema>;
  };
}

/** An AsyncAPI document of this repository whose channels are Redis Streams of flat text entries. */
export class AsyncApiDocument {
  readonly root: Root;
  private readonly source: string;
  private readonly ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: true });

  constructor(pathInRepository: string) {
    this.source = readFileSync(join(__dirname, '../../..', pathInRepository), 'utf8');
    this.root = parse(this.source) as Root;
    this.ajv.addSchema(this.root, 'document');
  }

  /** What a check by the specification finds wrong. */
  async problems(): Promise<string[]> {
    const { diagnostics } = await new Parser().parse(this.source);
    return diagnostics.map(({ path, message }) => `${path.join('/')}: ${message}`);
  }

  /** Each operation as `<id> <action> <address> <message>`. */
  operations(): string[] {
    return Object.entries(this.root.operations).map(([id, { action, channel, messages }]) => {
      const { address, messages: known } = this.at(channel.$ref) as Root['channels'][string];
      const names = messages.map(({ $ref }) => {
        const message = Object.values(known).find((_, i) => $ref.endsWith(`/${Object.keys(known)[i]}`));
        return (this.at(message?.$ref ?? '') as { name: string }).name;
      });
      return [id, action, address, ...names].join(' ');
    });
  }

  /** The fields of a message's entry and of its payload, those that may be absent with a `?`; every object is closed. */
  fieldsOf(schemaName: string): string[] {
    const schema = this.root.components.schemas[schemaName];
    if (schema?.type !== 'object' || schema.additionalProperties !== false) {
      throw new Error(`${schemaName} is no closed object`);
    }
    const { properties = {}, required = [] } = schema;
    return Object.keys(properties).map((field) => (required.includes(field) ? field : `${field}?`));
  }

  /** @returns the name of the message that the entry is. @throws Error where it is none, or one with a flaw */
  check(entry: Readonly<Record<string, string>>): string {
    const flaws: string[] = [];
    for (const { name, payload } of Object.values(this.root.components.messages)) {
      const found = this.flawsOf(payload, entry);
      if (found.length === 0) return name;
      flaws.push(`no ${name}: ${found.join(', ')}`);
    }
    throw new Error(`${JSON.stringify(entry)} is\n${flaws.join('\n')}`);
  }

  /** Of a value, and of the JSON in its texts. */
  private flawsOf(schema: Schema, value: unknown): string[] {
    if (!this.ajv.validate(this.anchored(schema), value)) {
      return (this.ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
    }
    return Object.entries(this.resolve(schema).properties ?? {}).flatMap(([name, property]) => {
      const { contentSchema } = this.resolve(property);
      if (contentSchema === undefined) return [];
      const content: unknown = JSON.parse((value as Record<string, string>)[name] ?? 'null');
      return this.flawsOf(contentSchema, content).map((flaw) => `${name}: ${flaw}`);
    });
  }

  private resolve(schema: Schema): Schema {
    return schema.$ref === undefined ? schema : (this.at(schema.$ref) as Schema);
  }

  /** All schemas that are asked for are references. */
  private anchored({ $ref }: Schema): object {
    if ($ref === undefined) throw new Error('a schema stands outside of components');
    return { $ref: `document${$ref}` };
  }

  private at(ref: string): unknown {
    return ref
      .slice(2)
      .split('/')
      .reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], this.root);
  }
}
