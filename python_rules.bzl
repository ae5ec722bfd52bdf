"""Stands in for rules_python where Bazel has Python rules built in: no download is needed."""

def _built_in_python_rules(repository_ctx):
    repository_ctx.file("python/BUILD")
    repository_ctx.file(
        "python/defs.bzl",
        "\n".join([
            "{0} = native.{0}".format(rule)
            for rule in ["py_binary", "py_library", "py_test"]
        ]),
    )

built_in_python_rules = repository_rule(implementation = _built_in_python_rules)
