/** How a message looks and what each field admits. Generated from proto/ into proto/generated/; read by both dialects. */
export interface Shape {
  /** Full protobuf name: "records.Record". */
  readonly name: string;
  readonly fields: readonly Field[];
}

export type FieldKind = 'string' | 'bool' | 'int32' | 'double' | 'enum' | 'message' | 'mask' | 'bytes';

export interface Field {
  /** The name in proto/: "record_id". */
  readonly name: string;
  /** The lowerCamelCase name of proto3 JSON, also the property of ts-proto's message: "recordId". */
  readonly json: string;
  readonly kind: FieldKind;
  readonly repeated?: true;
  /** Its absence differs from its zero value. */
  readonly optional?: true;
  /** kind "message": the shape of the value; a function, because messages may hold themselves. */
  readonly message?: () => Shape;
  /** kind "enum": the names that are values. */
  readonly values?: readonly string[];
  /** kind "enum", beside each value: what HTTP calls it, '' where it has no name there. For fields that travel in Content-Type or Accept. */
  readonly mediaTypes?: readonly string[];
  /** The same for the ending of a file's name. */
  readonly extensions?: readonly string[];
  readonly required?: true;
  /** Ignored where a client sends it. */
  readonly outputOnly?: true;
  /** Must be empty or the verified caller's own id. */
  readonly caller?: true;
  /** Unicode code points. */
  readonly lengthMin?: number;
  readonly lengthMax?: number;
  readonly itemsMax?: number;
  readonly valueMin?: number;
  readonly valueMax?: number;
  /** Lower-case name of the HTTP header that carries the field. */
  readonly header?: string;
  readonly queryAlias?: string;
  readonly format?: string;
}

/** One HTTP face of an rpc (google.api.http). */
export interface HttpRule {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** "/api/records/{record_id}": a variable is one whole segment. */
  readonly path: string;
  /** "*" for the whole message, a field's proto name, or undefined for no body. A field of bytes is the body as it comes: a stream. */
  readonly body?: string;
  /** The proto name of the response field that is the whole answer. */
  readonly responseBody?: string;
}

/** One message type of the wire format, as ts-proto writes it. */
export interface Codec<Message> {
  encode(message: Message, writer?: unknown): { finish(): Uint8Array };
  // biome-ignore lint/suspicious/noExplicitAny: ts-proto's reader type would load its package here
  decode(input: any, length?: number): Message;
}

/** One rpc of the contract, with everything that follows from its declaration. Generated. */
export interface Rpc<Request = unknown, Response = unknown> {
  /** "GetRecord" */
  readonly name: string;
  /** "records.RecordsService" */
  readonly service: string;
  /** "/records.RecordsService/GetRecord" */
  readonly path: string;
  /** "records-get-record": folder, bundle, Knative service and metric label. */
  readonly functionName: string;
  readonly access: 'PUBLIC' | 'CALLER';
  /** HTTP status of success. */
  readonly successStatus: number;
  readonly idempotency: 'NO_SIDE_EFFECTS' | 'IDEMPOTENT' | 'UNKNOWN';
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  /** The answer is a file of this name, without its ending. */
  readonly attachment?: string;
  readonly http: readonly HttpRule[];
  readonly request: Shape;
  readonly response: Shape;
  /** Loads the protobuf codecs; only gRPC needs them. */
  readonly codecs: () => Promise<{ request: Codec<Request>; response: Codec<Response> }>;
}
