// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { GetJwksRequest as request, GetJwksResponse as response } from '../auth.ts';
