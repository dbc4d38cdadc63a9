//go:build tools

package main

// What is built beside h2specd, so that its dependencies are pinned in go.sum as well.
import _ "github.com/summerwind/h2spec/cmd/h2spec"
