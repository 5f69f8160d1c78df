// Becomes load.js of every bundle: require() for its files, with the code that V8 compiled in the build's training run.
// Node's own compile cache (module.enableCompileCache) keeps only what is compiled at load, not the functions that ran
// (gRPC's first call takes 10 ms longer with it), and it is bound to a folder that the process can write.
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const modules = new Map();
/** File name → Script, for the training run to take the compiled code from. */
const scripts = new Map();

function load(id) {
  if (!id.startsWith('./') || !id.endsWith('.js')) return require(id);
  const known = modules.get(id);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  modules.set(id, module);
  const filename = __dirname + id.slice(1);
  let cachedData;
  try {
    cachedData = readFileSync(`${filename}.cache`);
  } catch {
    // Before the training run there is none; V8 also refuses one of another version. Then it compiles.
  }
  // esbuild writes ASCII only, and one byte per character is what V8 reads fastest.
  const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(filename, 'latin1')}\n})`;
  const script = new Script(source, { filename, cachedData });
  scripts.set(id, script);
  script.runInThisContext().call(module.exports, module.exports, load, module, filename, __dirname);
  return module.exports;
}

exports.load = load;
exports.scripts = scripts;
