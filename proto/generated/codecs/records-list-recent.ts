// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { ListRecentRequest as request, ListRecentResponse as response } from '../records.ts';
