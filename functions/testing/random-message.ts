import type { Field, Shape } from '../runtime/contract.ts';

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32), so that a failure can be repeated. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const letters = [...'aZ09 "\\/\n\u0001éßł日本😀\u{1f9ff}'];

/**
 * A message that the contract admits, with what a client may set; every kind of value turns up.
 * @param callerId what a `caller` field holds, where it is not empty
 */
export function randomMessage(shape: Shape, random: () => number, callerId: string): Record<string, unknown> {
  const upTo = (max: number): number => Math.floor(random() * (max + 1));
  const between = (min: number, max: number): number => min + upTo(max - min);
  const hex = (length: number): string => Array.from({ length }, () => upTo(15).toString(16)).join('');

  function text(field: Field): string {
    if (field.caller) return random() < 0.5 ? '' : callerId;
    if (field.format === 'uuid') return `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;
    return Array.from(
      { length: between(field.lengthMin ?? 1, Math.min(field.lengthMax ?? 40, 40)) },
      () => letters[upTo(letters.length - 1)],
    ).join('');
  }

  function value(field: Field): unknown {
    switch (field.kind) {
      case 'string':
        return text(field);
      case 'bool':
        return random() < 0.5;
      case 'int32':
        return between(field.valueMin ?? -(2 ** 31), field.valueMax ?? 2 ** 31 - 1);
      case 'double':
        return (random() - 0.5) * 10 ** between(-3, 12);
      case 'enum':
        return field.values?.[upTo(field.values.length - 1)];
      case 'message':
        return randomMessage((field.message as () => Shape)(), random, callerId);
      case 'mask': {
        const names =
          shape.fields
            .find((sibling) => sibling.message)
            ?.message?.()
            .fields.map((inner) => inner.name) ?? [];
        return random() < 0.2 ? ['*'] : names.filter(() => random() < 0.2);
      }
      default:
        return Buffer.from(hex(8), 'hex');
    }
  }

  const zero = { string: '', bool: false, int32: 0, double: 0, bytes: Buffer.alloc(0), mask: undefined, message: undefined };
  return Object.fromEntries(
    shape.fields.map((field) => {
      if (field.repeated) return [field.json, Array.from({ length: upTo(Math.min(field.itemsMax ?? 5, 5)) }, () => value(field))];
      if (!field.outputOnly && (field.required || random() < 0.7)) return [field.json, value(field)];
      if (field.optional) return [field.json, undefined];
      return [field.json, field.kind === 'enum' ? field.values?.[0] : zero[field.kind]];
    }),
  );
}
