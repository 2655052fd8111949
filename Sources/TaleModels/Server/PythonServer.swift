/// The script that runs llama.cpp's server inside Python, where there is no `llama-server`.
///
/// It takes the same options as `llama-server`, as far as ``ServerSpec`` uses them.
enum PythonServer {
  static let name = "tale_model_server"

  static let script = #"""
    """Serve one model with llama.cpp's HTTP server, until told to stop or left alone."""
    import argparse
    import os
    import signal
    import sys


    def options():
        parser = argparse.ArgumentParser()
        parser.add_argument("--model", required=True)
        parser.add_argument("--alias", required=True)
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--ctx-size", type=int, required=True)
        parser.add_argument("--parallel", type=int, required=True)
        parser.add_argument("--threads", type=int, required=True)
        return parser.parse_args()


    def parameters(wanted):
        import xllamacpp

        values = xllamacpp.CommonParams()
        values.model.path = wanted.model
        values.model_alias = {wanted.alias}
        values.hostnames = [wanted.host]
        values.port = wanted.port
        values.n_ctx = wanted.ctx_size
        values.n_parallel = wanted.parallel
        values.cpuparams.n_threads = wanted.threads
        values.cpuparams_batch.n_threads = wanted.threads
        values.endpoint_metrics = True
        values.endpoint_slots = True
        values.ui = False
        return xllamacpp.Server, values


    def main():
        server, values = parameters(options())
        # Kept in a name: the server stops when the value is collected.
        running = server(values)  # noqa: F841
        # Nothing has to be saved, and an unfinished request would hold up an orderly end.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        print("the model is loaded", flush=True)
        # Standard input ends when whoever started this is gone.
        while os.read(0, 1):
            pass
        os._exit(0)


    if __name__ == "__main__":
        try:
            main()
        except Exception as failure:
            print(f"{type(failure).__name__}: {failure}", file=sys.stderr, flush=True)
            os._exit(1)
    """#
}
