// Loaded into the processes of tests: what they tell is written at once. Else what is still on its way is lost where one is made to end.
process.stdout._handle?.setBlocking?.(true);
