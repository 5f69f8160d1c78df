import { closeSync, openSync, readSync } from 'node:fs';

/** Types of program headers and of dynamic entries (ELF-64, System V ABI). */
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;

/**
 * The shared libraries that a program or library for x86-64 names: "libc.so.6". Not what those need in turn.
 * @returns none for one that is static
 * @throws Error where the file is no such program
 */
export function neededLibraries(path: string): string[] {
  const file = openSync(path, 'r');
  try {
    const read = (at: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, at);
      return bytes;
    };
    const head = read(0, 64);
    if (head.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') throw new Error(`${path} is no 64-bit ELF file`);
    const [size, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
    const table = read(Number(head.readBigUInt64LE(32)), size * count);
    const segments = Array.from({ length: count }, (_, index) => {
      const at = index * size;
      const [offset, address, , length] = [8, 16, 24, 32].map((field) => Number(table.readBigUInt64LE(at + field)));
      return { type: table.readUInt32LE(at), offset: offset as number, address: address as number, length: length as number };
    });
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    if (dynamic === undefined) return [];
    const entries = read(dynamic.offset, dynamic.length);
    const values = (wanted: bigint): number[] =>
      Array.from({ length: entries.length / 16 }, (_, index) => index * 16)
        .filter((at) => entries.readBigInt64LE(at) === wanted)
        .map((at) => Number(entries.readBigUInt64LE(at + 8)));
    const [address = 0] = values(DT_STRTAB);
    const [length = 0] = values(DT_STRSZ);
    const holder = segments.find((one) => one.type === PT_LOAD && address >= one.address && address < one.address + one.length);
    if (holder === undefined) throw new Error(`${path} names no strings`);
    const strings = read(holder.offset + address - holder.address, length);
    return values(DT_NEEDED).map((at) => strings.toString('latin1', at, strings.indexOf(0, at)));
  } finally {
    closeSync(file);
  }
}
