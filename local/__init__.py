"""The whole system on one machine: every server real, no containers, no root.

`stack` composes it, `supervisor` keeps it alive, `kafka`, `postgres`, `storage` and `queue` describe one server each,
`processes` lists the processes of ours, `sagemaker` is the stand-in for InvokeEndpointAsync.
"""
