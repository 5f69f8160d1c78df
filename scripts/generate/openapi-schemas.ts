import type { Field, Rpc, Shape } from '../../functions/runtime/contract.ts';

/** An object of the OpenAPI document. */
export type Json = { [key: string]: unknown };
export type Comments = ReadonlyMap<string, string>;

const scalars: Record<Field['kind'], Json> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  double: { type: 'number', format: 'double' },
  enum: { type: 'string' },
  bytes: { type: 'string', contentEncoding: 'base64' },
  mask: { type: 'string', description: 'Field names with commas between them, in either spelling.' },
  message: {},
};

export const schemaReference = (shape: Shape): Json => ({ $ref: `#/components/schemas/${shape.name}` });

/** The JSON Schema (2020-12) of one field, with the limits that checkFields enforces. */
export function fieldSchema(field: Field, description: string | undefined): Json {
  const one: Json = {
    ...(field.message ? schemaReference(field.message()) : scalars[field.kind]),
    ...(field.values && { enum: field.values }),
    ...(field.lengthMin !== undefined && { minLength: field.lengthMin }),
    ...(field.lengthMax !== undefined && { maxLength: field.lengthMax }),
    ...(field.valueMin !== undefined && { minimum: field.valueMin }),
    ...(field.valueMax !== undefined && { maximum: field.valueMax }),
    ...(field.format && { format: field.format }),
  };
  return {
    ...(field.repeated ? { type: 'array', items: one, ...(field.itemsMax !== undefined && { maxItems: field.itemsMax }) } : one),
    ...(field.outputOnly && { readOnly: true }),
    ...(description && { description }),
  };
}

function reach(shape: Shape, into: Set<Shape>): void {
  if (into.has(shape)) return;
  into.add(shape);
  for (const field of shape.fields) if (field.message) reach(field.message(), into);
}

/** What is always there: in a request what is required, in an answer every plain field. */
function alwaysThere(field: Field, asked: boolean, answered: boolean): boolean {
  if (field.required) return true;
  const plain = field.repeated || (!field.optional && field.kind !== 'message');
  return answered && plain && (!asked || field.outputOnly === true);
}

/** components.schemas: each message that travels as JSON, under its full protobuf name. */
export function messageSchemas(rpcs: readonly Rpc[], comments: Comments): Json {
  const asked = new Set<Shape>();
  const answered = new Set<Shape>();
  for (const { http, request, response, successStatus } of rpcs)
    for (const { body, responseBody } of http) {
      if (body === '*') reach(request, asked);
      else for (const field of request.fields) if (field.name === body && field.message) reach(field.message(), asked);
      if (successStatus === 204) continue;
      const only = response.fields.find((field) => field.name === responseBody);
      if (only?.kind !== 'bytes') reach(only?.message?.() ?? response, answered);
    }
  const shapes = [...asked.union(answered)].sort((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(
    shapes.map((shape) => {
      const required = shape.fields.filter((field) => alwaysThere(field, asked.has(shape), answered.has(shape))).map((field) => field.json);
      const description = comments.get(shape.name);
      return [
        shape.name,
        {
          type: 'object',
          ...(description && { description }),
          properties: Object.fromEntries(
            shape.fields.map((field) => [field.json, fieldSchema(field, comments.get(`${shape.name}.${field.name}`))]),
          ),
          ...(required.length > 0 && { required }),
        },
      ];
    }),
  );
}
