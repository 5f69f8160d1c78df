import type { Account } from '../../scripts/load/accounts.ts';
import { functionsNamespace } from '../manifests/service.ts';
import type { Ask } from './gateway.ts';
import { goServiceName } from './go-service.ts';

/** A service that is started from zero, and how its answer is known to be right. */
export interface Target {
  readonly service: string;
  request(): Ask;
  /** @returns what is wrong with an answer's body, in a few words */
  wrong(body: string): string | undefined;
}

const hostOf = (service: string): string => `${service}.${functionsNamespace}.svc.cluster.local`;
const json = { 'content-type': 'application/json' };

/** One record of a user, read with their token: it is checked against keys from the database, and the record is read there. */
export const getRecord = (account: Account): Target => ({
  service: 'records-get-record',
  request() {
    const [record] = account.records;
    const headers = { authorization: `Bearer ${account.token}` };
    return { host: hostOf(this.service), method: 'GET', path: `/api/records/${record?.id}`, headers };
  },
  wrong(body) {
    const [record] = account.records;
    const answer = JSON.parse(body) as { id?: string; name?: string; userId?: string };
    return answer.id === record?.id && answer.name === record?.name && answer.userId === account.userId ? undefined : 'another record';
  },
});

/** A login with the right password: bcrypt at the cost that is deployed. */
export const authenticate = ({ email, password, userId }: Account): Target => ({
  service: 'auth-authenticate',
  request() {
    return {
      host: hostOf(this.service),
      method: 'POST',
      path: '/api/auth/login',
      headers: json,
      body: JSON.stringify({ email, password }),
    };
  },
  wrong(body) {
    const { user, token } = JSON.parse(body) as { user?: { id?: string }; token?: string };
    return user?.id === userId && token ? undefined : 'another user';
  },
});

export const goHello: Target = {
  service: goServiceName,
  request: () => ({ host: hostOf(goServiceName), method: 'GET', path: '/' }),
  wrong: (body) => (body.startsWith('Hello World!') ? undefined : 'other words'),
};
