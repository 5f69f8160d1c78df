// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { LogoutRequest as request, LogoutResponse as response } from '../auth.ts';
