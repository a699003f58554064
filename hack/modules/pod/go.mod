module github.com/okd-install/okd-install/hack/modules/pod

go 1.26.0
