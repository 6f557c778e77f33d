#!/usr/bin/env node
// The command `lapwing`: starts what the build made of src/main.ts.
import '../dist/main.js';
