import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeOutputs } from './generate/outputs.ts';
import { generate, generatedFolders } from './generate.ts';
import { BadName } from './new-function/names.ts';
import { type Made, newFunction } from './new-function/new-function.ts';

const help = `npm run new-function -- <package> <Rpc>

Adds an rpc to proto/<package>.proto and the folder functions/<package>/<rpc>, which builds, runs and passes its tests at once.

  package   records, auth: a file in proto/ and a folder in functions/
  Rpc       a verb and a noun in PascalCase: GetSomething
  --help    this text

Exit codes: 0 done, 1 failed and nothing changed, 2 wrong usage.
`;

function describe({ names, files }: Made, generated: number): string {
  const width = Math.max(...files.map(({ path }) => path.length));
  const { functionName, folder, domain, path, service, rpc } = names;
  return `Made ${functionName}: GET ${path}, and ${domain}.${service}/${rpc} on gRPC.

${files.map((file) => `  ${file.path.padEnd(width)}  ${file.purpose}`).join('\n')}
  and ${generated} generated files (npm run generate)

Try it:
  npm test -- ${folder}
  npm run build -- ${functionName}
  npm start

Make it yours:
  1. proto/${domain}.proto: what it takes and gives, its path, who may call. Then npm run generate.
  2. db/migrations/: a new file with the database function that it calls; its first statement is auth.begin_call(p_user, p_session).
  3. ${folder}/queries.ts: call that function instead of auth.begin_call.
  4. ${folder}/operation.ts: from request to answer; refuse with a row of functions/${domain}/refusals.ts.
  5. ${folder}/*.test.ts: say what it promises.
`;
}

async function main(): Promise<number> {
  let given: { values: { help?: boolean }; positionals: string[] };
  try {
    given = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' } } });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  const { values, positionals } = given;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const [domain, rpc, ...more] = positionals;
  if (domain === undefined || rpc === undefined || more.length > 0) {
    process.stderr.write(help);
    return 2;
  }
  const root = join(import.meta.dirname, '..');
  let generated: readonly string[] = [];
  const made = await newFunction(root, domain, rpc, async () => {
    generated = writeOutputs(root, generatedFolders, await generate());
  });
  process.stdout.write(describe(made, generated.length));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`Nothing was changed: ${(error as Error).message}\n`);
  process.exitCode = error instanceof BadName ? 2 : 1;
}
