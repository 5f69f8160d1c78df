import { progress } from '../knative/cluster/progress.ts';
import { findFunctions } from './build/functions.ts';
import { promote, rollBack } from './deploy/change-traffic.ts';
import { deploy } from './deploy/deploy.ts';
import { connect } from './deploy/kubectl.ts';
import { help, type Options, readOptions, WrongUsage } from './deploy/options.ts';
import { deployReport, trafficReport } from './deploy/report.ts';
import { Remedy } from './tools/install.ts';

/** @returns what goes to stdout */
async function run(options: Options): Promise<string> {
  const shown = progress();
  const kubectl = await connect();
  if (options.action === 'deploy') return deployReport(await deploy(kubectl, options, shown), options);
  const change = options.action === 'promote' ? promote : rollBack;
  const how = { timeoutMs: options.timeoutSeconds * 1000, dryRun: options.dryRun, shown };
  return trafficReport(await change(kubectl, options.functions, how), options);
}

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(
    args,
    findFunctions(`${import.meta.dirname}/..`).map(({ name }) => name),
  );
  process.stdout.write(options === undefined ? help : await run(options));
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  if (error instanceof WrongUsage) {
    process.stderr.write(`${error.message}\n\n${help}`);
    return 2;
  }
  process.stderr.write(`${error instanceof Remedy ? error.message : (error.stack ?? error.message)}\n`);
  return 1;
});
