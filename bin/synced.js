#!/usr/bin/env node
// Written for the oldest Node that may start it, so that it can say what is needed.
var name = 'synced';
var entry = '../dist/cli/synced.js';

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(name + ': Node 24 or newer is needed, and this is Node ' + process.versions.node + ': see https://nodejs.org for how to get it');
  process.exitCode = 3;
} else {
  // The built-in database still announces itself as an experiment on some versions; that is of no use to whoever runs a command.
  process.removeAllListeners('warning');
  process.on('warning', function (warning) {
    if (warning.name !== 'ExperimentalWarning') console.error(name + ': warning: ' + warning.message);
  });
  import(entry);
}
