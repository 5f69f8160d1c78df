/**
 * V8's flags for the training run. Text is hashed under a seed that is chosen anew in each process, and what was compiled is dropped when
 * it isn't used for a while: with a fixed seed and nothing dropped, the same sources give the same compiled code.
 */
export const flags = ['--hash-seed=1', '--no-flush-bytecode', '--no-sparkplug'];

/** Set before compiled code is written or read: V8 takes it only under the flags that it was made with, and functions run with none. */
export const undone = ['--hash-seed=0', '--flush-bytecode', '--sparkplug'];
