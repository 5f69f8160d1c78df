import { Buffer, isUtf8 } from 'node:buffer';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Codec, Shape } from './contract.ts';
import { maskTarget, normalizeMask } from './field-mask.ts';
import { refuse, type Violation } from './refusal.ts';

type Message = Record<string, unknown>;

const none: readonly never[] = [];

/** A string field must be UTF-8 (protobuf language guide, proto3): ts-proto by itself would replace what is not. */
function fatalUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw refuse('MALFORMED_BODY');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** What is done to a decoded message so that it is the one that JSON would have made. */
type Tidy = (message: Message, at: Violation['path'], violations: Violation[]) => void;

const tidies = new WeakMap<Shape, Tidy | undefined>();

function tidyOf(shape: Shape): Tidy | undefined {
  if (tidies.has(shape)) return tidies.get(shape);
  const steps: Tidy[] = [];
  const tidy: Tidy = (message, at, violations) => {
    for (const step of steps) step(message, at, violations);
  };
  tidies.set(shape, tidy); // before its fields: messages may hold themselves
  for (const { name, json, kind, repeated, optional, outputOnly, message: inner } of shape.fields) {
    if (outputOnly) {
      if (kind !== 'string' || repeated || optional) throw new Error(`${shape.name}.${name}: output-only fields are plain strings here`);
      steps.push((message) => {
        message[json] = '';
      });
    } else if (kind === 'mask') {
      const target = maskTarget(shape);
      steps.push((message, at, violations) => {
        const paths = message[json] as string[] | undefined;
        if (paths !== undefined) message[json] = normalizeMask(paths, target, [...at, name], violations);
      });
    } else if (inner !== undefined) {
      const tidyInner = tidyOf(inner());
      if (tidyInner === undefined) continue;
      steps.push((message, at, violations) => {
        const value = message[json];
        if (repeated) for (const [index, item] of (value as Message[]).entries()) tidyInner(item, [...at, name, index], violations);
        else if (value !== undefined) tidyInner(value as Message, [...at, name], violations);
      });
    }
  }
  if (steps.length === 0) tidies.set(shape, undefined);
  return steps.length === 0 ? undefined : tidy;
}

/**
 * Reads a request from its gRPC wire form: unknown fields are skipped, as the format demands, output-only fields
 * cleared, mask paths brought to proto names.
 * @returns the message and what was wrong with it; checkFields finds the rest
 * @throws Refusal MALFORMED_BODY for bytes that are no such message, or text that is not UTF-8
 */
export function readGrpc(codec: Codec<unknown>, shape: Shape, bytes: Uint8Array): { message: object; violations: readonly Violation[] } {
  let message: object;
  try {
    const reader = new BinaryReader(bytes, fatalUtf8);
    message = codec.decode(reader) as object;
    // ts-proto stops quietly at an end-group tag or a zero.
    if (reader.pos !== reader.len) throw refuse('MALFORMED_BODY');
  } catch {
    throw refuse('MALFORMED_BODY');
  }
  const tidy = tidyOf(shape);
  if (tidy === undefined) return { message, violations: none };
  const violations: Violation[] = [];
  tidy(message as Message, none, violations);
  return { message, violations };
}
