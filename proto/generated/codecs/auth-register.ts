// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { RegisterRequest as request, RegisterResponse as response } from '../auth.ts';
