//go:build race

package flow_test

const graphRaces = true
