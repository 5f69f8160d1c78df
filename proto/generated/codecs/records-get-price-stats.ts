// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { GetPriceStatsRequest as request, GetPriceStatsResponse as response } from '../records.ts';
