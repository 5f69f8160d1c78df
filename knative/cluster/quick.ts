/**
 * Whether this is `npm run cluster -- test --quick`, the part that CI runs: fewer rounds, shorter loads. A file of tests takes part in it by
 * importing this.
 */
export const quick = process.env.RECORD_PLATFORM_QUICK === 'true';
