// Two RSA keys of 2048 bits that protect nothing: generating one takes longer than a test should.

function decode(...lines: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(lines.join(''), 'base64'));
}

/** PKCS #8, DER. */
export const rsaTestKeys: readonly [Uint8Array, Uint8Array] = [
  decode(
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDIMWxf+5Rq9HeFY1lZTy5qdfgUHlpcqPn8WYmFB7PDX0Lm/E36kPidsTViym',
    'NbiTJCeT6HpgFtGnFkjt/Zzo7XbQ2kP8oWsdvQN0K+wFvhfYq4eorrWrzR/t53iCvPCF4vDdPe8pnHBowFisMntjWwxwyZiYUKTCqqCzNrzmpT',
    'R4biSmVFtPIraPaEgQGLLtjxotu7i1iteI1d1hKhX+L3XmsAyxzT4utBM1+WrqnGH5FsqvJWxc8FJYp5AN/meQoNB0jbE+PpJ6TcFmoPG35EBN',
    '1SebfoA6MwbKEzbYfkCf4yYgKh3PzQQh4z1unIxzUodDHCbArHCXFDo1xZbigPAgMBAAECggEAV2nhSR34xiT+JXPmmU0uVtUxIFPKoCg2k/5i',
    'woBE+bvYYjTsNctki7LLvVnjPZ5wID+B0shlWgcQWVjbnOcJTz6ylLQ34WYDNe1TSyiCVjkzv+7eRvtldIqGCIqgmnOscH5os7KZ/CI7NNZM9c',
    'OluQ2JTmeSfJcakAp5BwtoOPk98rA36uYl/zKx7ugCOqOQ68ofqGtIlxN3FncwhYFMgAyACl0b7ROdWn1jEBZcQRmRo+fWxs31JM2UCIRhGnG1',
    '2OKKoFc/5CtsnMt1I+0uO6u/YS6u+pvNrjf4v7D4g3B5gpSJgoEHLUvNqXwh5yXx5FCYleg5p85/fWpFNh8JXQKBgQDw4xfwJNUpycaHbIylHJ',
    'f54EWMidGwESLyMEfsWRLzMW4VYN1ASREwCv8AYZRltGTYCzKjn43wSjULZowrVf0/xnj/6d83zjgQpY/queDf+O6DEgEBqTujKUuEXyXEjVL2',
    'NoaZkPYBqwwl3Aq9tx7HiZVSX/4jr+xXROkpATMZLQKBgQDUwL1pvmSLjPwMV+57fsmm85njDAlm9mj4+MNa9ohBulO49OQxX9xZxtN8yq20WX',
    'WHr8KUPw84a1v7kRKBV4Efrl+y+XIuoF6xfIfidFOUlXj4uE0XHh4GkS0sBbjngfyAPQlQwDAKXSdzh5xVw2RHL82TnN/eRz7jM8Ytj+YTqwKB',
    'gQDKw4050fcwNq0K/z8gGIKAjdxdIQFFQBd3X1abRpsh5CCylBeI7jguhYMCUiD0vzUHed2FR1/VvNELqKUiMT57+VeOqtD/C3G76XDL9uyn+s',
    'ThxTzdphMSE0eCxAhpe0AzCdCg4RmCa/VMxPyxlrus4E21yiGE7qd1CgdtQZo+fQKBgF3x2fH2o5lHoQimT2Vy4AJ7sOkkKIaxqjq+Ri1FjXdQ',
    'mqWiZZ0z0i5GcJ67NKbdldtbjhU+Hy9voMdeEQjSJe9iZVm3cmcKY6YF8k7ZxQpoUmmpoEjkAKgvtP2qbTK1IFVUHmfs5Ym+BqyqJitswzv37N',
    'QQwn35gdh7xTfbQeJPAoGAGmftPw4jKoJhHqylcMDv7AuMPfnJmggEU3mcMyU0/v76NMfe8LWMT19j2A/dD+WA+b9KtRrhTEneqkRwqYT5g+7G',
    'PqC9Uspg+bGMO/L08HGWrSTawywST6I7lvynSjlMt5QNnpl1XmiUj2LDJbZOu5VW5Mhf0oLB7F6x4Skmuy4=',
  ),
  decode(
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDOm1N5PtV8mA5MzTl0uITI+HmIW94nL5To/s/tpI/VBnY4mVbgWQaG7WG/Zc',
    'ThO5AvSr6LS20oqYJP/g8RSJY3ffCNft1RoXHOCm13ztXhewfyQt17FSukG1ry8SP8moK92KYjuBEKxOLV3B3EO4vFtF31RZFbv7JwW75NkalQ',
    'QHxuKL8HoDC9ntP5qJxbU/U+jnKOubvPxmXllFVnQmLQw4eE3/cxN+jlKuNCUkFTQ+jr6+DgBbzeQ9rzKWIVkNbOLgheryU5TCb0RiGJ5BmnPL',
    'Nw6mfuOBulHfDv/5vEyYPsJeySmjF3ISNoWLx8diTs1CiFD/bAZpswSD/yffIHAgMBAAECggEAEQEzw5zqUVDqjGOvwO2W8DuTNSfqhushpHOk',
    'hXiv5eacQFhOkDSDlwNesjQcGjWezmWmfSx+FYSuFwtgDhodUv/olpzEdn2FMmIlVGEPtXk81DGwrPq3FtCxkaFLRvUooZt9QR9bN7mwuc1eHd',
    'KQ1Hrd6NwK9LQ4aYsDhLriZppiJTeC+vOwRxuFsbxES3Nvn6GLjnizW0j/Ktd2sfvhIp/4jLxE4TZ7r9AMv4GHuZ6KUl0az4LGuoBNpLfkkhx9',
    '0jIBeS2zZqy/GtU/jAdqspkifTRgQnoxfoORcFIrLuQCh3UEu/oD+5KCwqYGI5WPbSDGGIDHIXjLBRbBzC3mMQKBgQD6Q5QZoDzvbfj6dtg2j9',
    'SC76feGcDJ5GnNsRrRBaZ9VOU/CCm7nfAQREHefaTBRivySIZv3veZJShzBdmu/lTgZUBf0oVwR6ANsPrthy4tF6ycaoM14h+TmtKfwbO1O0Hy',
    'ogDTHjqbYFkXDBwo3RVCQY2oD6BgKTBLS8jVqjrzLQKBgQDTV5bR5kOu6AEf+iF1R8LiQ3Rt6yLQIOFFiX5I/Ma/TU4LIpf4rlz4gfqNYTAloe',
    'p/2Z96FlZEgT61nkPF+s16gZ2oBEa5k8oCT+bCbOF1Psssdf0BUAmJDP8ZLuJ3twjgYi5kfUKjNSHsCEo1MgtowjySbthNfX4MaOwOi3rKgwKB',
    'gCIyN7tkrM7ejQXUVWjnMFeP3bU4eaJcpqRnjc1/4yb/AbAiMmmjhBkE6qc3LdsG9pxNkqkYo2Z2sFc/NmZ19C0RSMGPJ5KXBuS4CSGJtiKNOJ',
    'XK7BDhzATERAF2W1LpPPKldk1itQlkGehPTE29H9mE0ZFkSTq6hhHT0iZ380QlAoGARPVneMWxf/ijpVNwZ1wq8rkf3F3E1jRkTNQ4KIiSMQmA',
    'VZHMFJCQNWXz4v27QAw8/8p6htOTAndJhulFI+xZ74crcg8zJIpcd7SqjvYH+sGqea9mBm+fLODYu9bYfkdy1gQzLwbQH4DOuL1buU/C+UOnkA',
    'ArA93WqyXxIC3SuxECgYEA0h1iMxyy4GlCJmHVDq+GyzhkRJFZLUtSmBy4OaxsCEPN7OzJPjaBhyUPulyNKeQHfu81j4stp6DcOxhikoZcAYKu',
    'eoYVWCR48qJda7IFpMtVMG0mCLlys0sqiXRdUQm/djDAdcvZm468mbDN/HzuuH9baxrguVmEmk5gTN8C78A=',
  ),
];
