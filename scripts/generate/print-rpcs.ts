import type { Rpc, Shape } from '../../functions/runtime/contract.ts';
import type { Outputs } from './outputs.ts';
import type { ContractPackage } from './read-rpcs.ts';

const header = (source: string) => `// Generated from proto/${source} by \`npm run generate\`. Do not edit.\n`;

/** "records.Record" → "RecordShape" */
const shapeName = (shape: Shape): string => `${shape.name.slice(shape.name.indexOf('.') + 1).replaceAll('.', '_')}Shape`;
const typeName = (shape: Shape): string => `types.${shape.name.slice(shape.name.indexOf('.') + 1).replaceAll('.', '_')}`;

/** A JavaScript literal; keys are bare, shapes are references. */
function literal(value: unknown, key?: string): string {
  if (key === 'message') return `() => ${shapeName((value as () => Shape)())}`;
  if (Array.isArray(value)) return `[${value.map((item) => literal(item)).join(', ')}]`;
  if (value !== null && typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([name, item]) => `${name}: ${literal(item, name)}`)
      .join(', ')} }`;
  return JSON.stringify(value);
}

function printShape(shape: Shape): string {
  const fields = shape.fields.map((field) => `\n    ${literal(field)},`).join('');
  return `export const ${shapeName(shape)}: Shape = {\n  name: ${literal(shape.name)},\n  fields: [${fields}${fields && '\n  '}],\n};\n`;
}

function printRpc({ codecs: _, request, response, ...plain }: Rpc): string {
  const lines = Object.entries(plain).map(([name, value]) => `  ${name}: ${literal(value)},\n`);
  return `export const ${plain.name}: Rpc<${typeName(request)}, ${typeName(response)}> = {\n${lines.join('')}  request: ${shapeName(request)},\n  response: ${shapeName(response)},\n  codecs: () => import('./codecs/${plain.functionName}.ts'),\n};\n`;
}

/** The codecs of one rpc as a module of their own, so that a bundle holds those and not the ones of the whole package. */
function printCodecs({ request, response }: Rpc, name: string): string {
  const codec = (shape: Shape) => typeName(shape).replace('types.', '');
  return `${header(`${name}.proto`)}\nexport { ${codec(request)} as request, ${codec(response)} as response } from '../${name}.ts';\n`;
}

/**
 * <package>.rpc.ts: one constant for each rpc, with the shapes of its messages; rpcs.ts: all of them; codecs/: those of each rpc.
 * Importing them loads nothing else: message types are types only, codecs a dynamic import.
 */
export function printRpcs(packages: readonly ContractPackage[], folder: string): Outputs {
  const outputs = new Map<string, string>();
  for (const { name, rpcs, shapes } of packages) {
    for (const rpc of rpcs) outputs.set(`${folder}/codecs/${rpc.functionName}.ts`, printCodecs(rpc, name));
    const list = `/** Every rpc of the package, in the order of its file. */\nexport const ${name}Rpcs = [${rpcs.map((rpc) => rpc.name).join(', ')}] as const;\n`;
    outputs.set(
      `${folder}/${name}.rpc.ts`,
      [
        header(`${name}.proto`),
        `import type { Rpc, Shape } from '../../functions/runtime/contract.ts';\nimport type * as types from './${name}.ts';\n`,
        ...shapes.map(printShape),
        ...rpcs.map(printRpc),
        list,
      ].join('\n'),
    );
  }
  outputs.set(
    `${folder}/rpcs.ts`,
    [
      header('*.proto'),
      `import type { Rpc } from '../../functions/runtime/contract.ts';\n${packages.map(({ name }) => `import { ${name}Rpcs } from './${name}.rpc.ts';\n`).join('')}`,
      `/** Every rpc of the contract. */\n// biome-ignore lint/suspicious/noExplicitAny: rpcs of every type\nexport const rpcs: readonly Rpc<any, any>[] = [${packages.map(({ name }) => `...${name}Rpcs`).join(', ')}];\n`,
    ].join('\n'),
  );
  return outputs;
}
