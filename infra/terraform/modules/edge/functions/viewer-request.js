// The first door: every request to every behaviour passes here before CloudFront does anything.
//
// Terraform puts one line in front of this text, `const POLICY = {...}`: the public paths, the
// administrative prefixes, the redirects and the two refusals (functions.tf). The API format is that
// of cloudfront-js-2.0.
//
// What is asked is not "is this path forbidden?" but "is it, in every reading that a server behind
// this one may have, a public path?". A path with two readings is refused.

const ROUNDS = 6;

function handler(event) {
  const request = event.request;
  const refusal = judge(request.uri);
  if (refusal !== null) {
    return refuse(refusal);
  }
  const target = redirectOf(request.uri);
  if (target !== null) {
    return { statusCode: 302, statusDescription: 'Found', headers: { location: { value: target } } };
  }
  for (let i = 0; i < POLICY.droppedHeaders.length; i++) {
    delete request.headers[POLICY.droppedHeaders[i]];
  }
  // Langfuse lives at its prefix and would redirect from the slash to it.
  if (request.uri === '/langfuse/') {
    request.uri = '/langfuse';
  }
  return request;
}

// The refusal that a path gets, or null if it is public.
function judge(uri) {
  const readings = readingsOf(uri);
  if (readings === null) {
    return POLICY.refusals.other;
  }
  for (let i = 0; i < readings.length; i++) {
    if (isAdministrative(readings[i])) {
      return POLICY.refusals.administrative;
    }
  }
  // A % that is left begins no byte, as in %u002e: some servers decode it all the same.
  if (readings[readings.length - 1].indexOf('%') >= 0) {
    return POLICY.refusals.other;
  }
  for (let i = 0; i < readings.length; i++) {
    if (hasTwoReadings(readings[i]) || !fits(POLICY.public, readings[i])) {
      return POLICY.refusals.other;
    }
  }
  return null;
}

// The path as it came, and as often decoded as it can be; null if that does not come to an end.
function readingsOf(uri) {
  const readings = [uri];
  for (let i = 0; i < ROUNDS; i++) {
    const decoded = decodeOnce(readings[i]);
    if (decoded === readings[i]) {
      return readings;
    }
    readings.push(decoded);
  }
  return null;
}

// Bytes, not characters: the decisions are about ASCII, and decoding must not fail.
function decodeOnce(text) {
  return text.replace(/%([0-9a-fA-F]{2})/g, (all, digits) => String.fromCharCode(parseInt(digits, 16)));
}

function isAdministrative(path) {
  const plain = resolved(path);
  return POLICY.administrative.indexOf(firstSegment(path)) >= 0 ||
    POLICY.administrative.indexOf(firstSegment(plain)) >= 0 ||
    fits(POLICY.private, plain.toLowerCase() + '/');
}

function firstSegment(path) {
  const segments = path.replace(/\\/g, '/').toLowerCase().split('/');
  for (let i = 0; i < segments.length; i++) {
    const name = segments[i].replace(/[;?#].*$/, '').replace(/[\s.\x00-\x20]+$/, '').replace(/^[\s\x00-\x20]+/, '');
    if (name !== '') {
      return name;
    }
  }
  return '';
}

// Without dot segments, parameters of segments, repeated and reversed slashes.
function resolved(path) {
  const kept = [];
  const segments = path.replace(/\\/g, '/').split('/');
  for (let i = 0; i < segments.length; i++) {
    const name = segments[i].replace(/;.*$/, '');
    if (name === '..') {
      kept.pop();
    } else if (name !== '' && name !== '.') {
      kept.push(name);
    }
  }
  return '/' + kept.join('/');
}

// Dot segments, or what begins like one, empty segments, parameters, backslashes, control characters: each is read in
// different ways by different servers. So are bytes beyond ASCII: overlong forms, surrogates, other bytes that no UTF-8
// text has, and characters that normalisation turns into dots, slashes or letters. No public path needs any of them.
function hasTwoReadings(path) {
  return /[\\;?#\x00-\x1f\x7f-\uffff]|\/\/|\/\.(\/|$)|\/\.\./.test(path);
}

function fits(patterns, path) {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i];
    if (pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern) {
      return true;
    }
  }
  return false;
}

function redirectOf(uri) {
  for (const prefix in POLICY.redirects) {
    if (uri === prefix || uri.startsWith(prefix + '/')) {
      return POLICY.redirects[prefix];
    }
  }
  return null;
}

function refuse(body) {
  return {
    statusCode: 403,
    statusDescription: 'Forbidden',
    headers: {
      'cache-control': { value: 'no-store' },
      'content-type': { value: 'application/json' },
    },
    body: { encoding: 'text', data: body },
  };
}
