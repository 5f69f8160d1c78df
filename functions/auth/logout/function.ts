import { Logout } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { logout } from './operation.ts';
import { logoutQueries } from './queries.ts';

export default defineFunction({ rpc: Logout, operation: logout, queries: logoutQueries });
