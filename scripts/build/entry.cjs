// Becomes index.js of every bundle: `node dist/records-get-record`, or `functions-framework --target=records-get-record`.
'use strict';
const { load } = require('./load.js');

const { definition, httpFunction, main } = load('./main.js');
exports[definition.rpc.functionName] = httpFunction(definition);
if (require.main === module) main(definition);
