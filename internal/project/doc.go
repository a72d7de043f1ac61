// Package project holds the tests that concern the project as a whole: every
// rule of the specifications is proven by a test or vector, the rooms import
// each other in one direction only, and every exported name is documented.
package project
