// One sandbox's life through @grpc/grpc-js; prints what it saw as one JSON object.
// use: node client.js HOST:PORT KEY PROTO_FOLDER
'use strict';
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [address, key, protos] = process.argv.slice(2);
const definition = loader.loadSync('coreweave/sandbox/v1/sandbox.proto', {
    includeDirs: [protos], keepCase: true, enums: String, defaults: true, oneofs: true,
});
const { SandboxService } = grpc.loadPackageDefinition(definition).coreweave.sandbox.v1;
const client = new SandboxService(address, grpc.credentials.createInsecure());
const credentials = new grpc.Metadata();
credentials.set('x-api-key', key);

const call = (method, request, seconds = 60) => new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + seconds * 1000 };
    client[method](request, credentials, options, (error, answer) => (error ? reject(error) : resolve(answer)));
});

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function reach(id, states) {
    for (let i = 0; i < 600; i++) {
        const { status } = await call('GetSandbox', { sandbox_id: id });
        if (states.includes(status.state)) return status.state;
        await pause(100);
    }
    throw new Error(`never reached ${states}`);
}

const stream = (id, command) => new Promise((resolve, reject) => {
    const seen = { first: '', stdout: '', last: '', code: -1 };
    const duplex = client.StreamExec(credentials, { deadline: Date.now() + 60000 });
    duplex.on('data', (frame) => {
        seen.first = seen.first || frame.message;
        seen.last = frame.message;
        if (frame.output) seen.stdout += frame.output.data.toString();
        if (frame.exit) seen.code = frame.exit.exit_code;
    });
    duplex.on('error', reject);
    duplex.on('end', () => resolve(seen));
    duplex.write({ init: { sandbox_id: id, command } });
    duplex.end();
});

async function main() {
    const container = { name: 'main', image: 'busybox', command: '/bin/sleep', args: ['100000'] };
    const made = await call('CreateSandbox', {
        sandbox: { spec: { containers: [container], tags: ['node'] } }, request_id: `node-${process.pid}`,
    });
    const id = made.sandbox_id;
    const said = { state: await reach(id, ['STATE_RUNNING']) };
    const done = await call('Exec', { sandbox_id: id, command: ['/bin/sh', '-c', 'echo hello; exit 3'] });
    said.exec = { stdout: done.stdout.toString(), code: done.exit_code };
    said.stream = await stream(id, ['/bin/sh', '-c', 'echo streamed; exit 4']);
    said.deadline = await call('Exec', { sandbox_id: id, command: ['/bin/sleep', '1000'] }, 1).catch((e) => e.code);
    said.unknown = await call('GetSandbox', { sandbox_id: 'x' }).catch((e) => ({
        code: e.code,
        reason: e.metadata.get('grpc-status-details-bin').toString().includes('CWSANDBOX_SANDBOX_NOT_FOUND'),
    }));
    await call('DeleteSandbox', { sandbox_id: id });
    said.ended = await reach(id, ['STATE_TERMINATED', 'STATE_FAILED', 'STATE_COMPLETED']);
    console.log(JSON.stringify(said));
    client.close();
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
