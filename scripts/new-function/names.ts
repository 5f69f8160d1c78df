import { kebab } from '../generate/read-rpcs.ts';

/** Everything that one function is called, from its package and its rpc. */
export interface Names {
  /** "records" */
  readonly domain: string;
  /** "GetSomething" */
  readonly rpc: string;
  /** "getSomething": the operation. */
  readonly operation: string;
  /** "RecordsService" */
  readonly service: string;
  /** "records-get-something": bundle, Knative service, metric label. */
  readonly functionName: string;
  /** "functions/records/get-something" */
  readonly folder: string;
  /** "/api/records:something" */
  readonly path: string;
}

/** A package or rpc that can't be called so: wrong usage. */
export class BadName extends Error {}

/** A Knative service's name and its revision's suffix ("-00001") must fit into a DNS label of 63. */
const functionNameMax = 57;

/**
 * @throws BadName, which says what a good name is.
 */
export function namesOf(domain: string, rpc: string): Names {
  if (!/^[a-z][a-z0-9]*$/.test(domain))
    throw new BadName(`"${domain}" is not the name of a package: lower-case letters and digits, as in proto/records.proto`);
  if (!/^([A-Z][a-z0-9]*){2,}$/.test(rpc))
    throw new BadName(`"${rpc}" is not the name of an rpc: a verb and a noun in PascalCase, as in GetSomething`);
  const functionName = `${domain}-${kebab(rpc)}`;
  if (functionName.length > functionNameMax)
    throw new BadName(
      `${functionName} is ${functionName.length} long, and a Knative service with its revision takes ${functionNameMax}: choose a shorter name`,
    );
  const noun = rpc.replace(/^(Get|List)/, '');
  return {
    domain,
    rpc,
    operation: lowerFirst(rpc),
    service: `${domain[0]?.toUpperCase()}${domain.slice(1)}Service`,
    functionName,
    folder: `functions/${domain}/${kebab(rpc)}`,
    path: `/api/${domain}:${lowerFirst(noun)}`,
  };
}

const lowerFirst = (text: string): string => `${text[0]?.toLowerCase()}${text.slice(1)}`;
