// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { GetMeRequest as request, GetMeResponse as response } from '../auth.ts';
