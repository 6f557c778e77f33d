// How the runtime is told to treat what a gateway makes by the hundred thousand a second. Once many objects of one literal
// have outlived a collection, as they do while a fleet registers, V8 makes all later ones of it old from birth; each then keeps
// alive what it refers to until the next full collection, and a Read costs half as much again (docs/performance.md says how to see it).
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--no-allocation-site-pretenuring');
