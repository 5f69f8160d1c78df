import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addToProto } from './add-to-proto.ts';
import { BadName, type Names, namesOf } from './names.ts';
import { newFiles } from './templates.ts';

/** What was made: each path with what it is for. */
export interface Made {
  readonly names: Names;
  readonly files: readonly { readonly path: string; readonly purpose: string }[];
}

/**
 * Adds an rpc to the contract and a folder with a function that works, as they say in README.md.
 * @param write Generates what follows from proto/ and writes it; runs when the rpc is in place, and throws without having written anything.
 * @throws BadName, or an Error that says what is taken or wrong in the contract; the project is then as it was.
 */
export async function newFunction(root: string, domain: string, rpc: string, write: () => Promise<void>): Promise<Made> {
  const names = namesOf(domain, rpc);
  const protoPath = `proto/${domain}.proto`;
  const protoFile = join(root, protoPath);
  if (!existsSync(protoFile)) {
    const known = readdirSync(join(root, 'functions')).filter((name) => existsSync(join(root, 'proto', `${name}.proto`)));
    throw new BadName(`there is no package ${domain} (${protoPath}); there are ${known.join(', ')}`);
  }
  const folder = join(root, names.folder);
  if (existsSync(folder)) throw new Error(`${names.folder} is there already`);

  const before = readFileSync(protoFile, 'utf8');
  const after = addToProto(before, names);
  try {
    writeFileSync(protoFile, after);
    mkdirSync(folder, { recursive: true });
    const files = newFiles(names);
    for (const { name, content } of files) writeFileSync(join(folder, name), content);
    await write();
    return {
      names,
      files: [
        { path: protoPath, purpose: 'the rpc and its two messages' },
        ...files.map(({ name, purpose }) => ({ path: `${names.folder}/${name}`, purpose })),
      ],
    };
  } catch (error) {
    writeFileSync(protoFile, before);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
