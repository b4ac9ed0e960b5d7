// The module that .ci/parts builds oras in.
module wrap/oras
go 1.24.2
require oras.land/oras v1.2.3
