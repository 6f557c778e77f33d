// `prepack` of each package in the workspace: what would be packed here is made of hundreds of files and starts slowly.
console.error('Packages are put together before they are packed: npm run pack, then npm publish build/packages/NAME');
process.exitCode = 1;
