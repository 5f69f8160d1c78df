// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { ValidateTokenRequest as request, ValidateTokenResponse as response } from '../auth.ts';
