// Aids for tests of anything that speaks CoAP.
export {};
