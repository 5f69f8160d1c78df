// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { RefreshTokenRequest as request, RefreshTokenResponse as response } from '../auth.ts';
