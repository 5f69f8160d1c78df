import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fenced block of a page. */
export interface Block {
  /** The first word after the fence: "sh", "json", "text". */
  readonly language: string;
  /** What follows it: "not-run: the reason", "output". */
  readonly info: string;
  readonly text: string;
  /** Of the fence, from 1. */
  readonly line: number;
}

export interface Page {
  /** Path from the project's root. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export const root = join(import.meta.dirname, '../..');

/** Every page that people read: README, changelog and docs. */
export function readPages(): Page[] {
  return ['README.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root }).sort()].map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text, blocks: blocksOf(text) };
  });
}

function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\S*) ?(.*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, language = '', info = '', body = ''] = match;
    return { language, info, text: body, line: text.slice(0, match.index).split('\n').length };
  });
}

/** A block that a reader may paste, and what it prints where the page says so. */
export interface Runnable {
  readonly block: Block;
  /** The next block, where it is marked `text output`. "…" stands for anything. */
  readonly output: string | undefined;
}

/** The `sh` blocks of a page without a `not-run: reason`. */
export const runnable = ({ blocks }: Page): Runnable[] =>
  blocks.flatMap((block, index) => {
    if (block.language !== 'sh' || block.info !== '') return [];
    const next = blocks[index + 1];
    return [{ block, output: next?.language === 'text' && next.info === 'output' ? next.text : undefined }];
  });
