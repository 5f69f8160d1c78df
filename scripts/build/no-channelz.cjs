// Stands in for channelz.js of grpc-js 1.14: the same names, nothing kept. Channelz shows the inside of a process to a
// debugger that speaks gRPC; no function serves it, and it is 20 KiB with its ordered map.
'use strict';
class Trace {
  addTrace() {}
}
class Children {
  refChild() {}
  unrefChild() {}
  getChildLists() {
    return {};
  }
}
class Calls {
  addCallStarted() {}
  addCallSucceeded() {}
  addCallFailed() {}
}
const register = (kind) => (name) => ({ kind, id: 0, name });

module.exports = {
  ChannelzTrace: Trace,
  ChannelzTraceStub: Trace,
  ChannelzChildrenTracker: Children,
  ChannelzChildrenTrackerStub: Children,
  ChannelzCallTracker: Calls,
  ChannelzCallTrackerStub: Calls,
  registerChannelzChannel: register('channel'),
  registerChannelzSubchannel: register('subchannel'),
  registerChannelzServer: register('server'),
  registerChannelzSocket: register('socket'),
  unregisterChannelzRef() {},
  setup() {},
};
