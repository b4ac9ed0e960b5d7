// Command getloop reads the tag lists of images over kept connections, 16 at a time:
// what asking for them takes any program in Go.
//
//	getloop http://HOST/v2/org/app- COUNT
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
)

func main() {
	images, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	const inFlight = 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	numbers := make(chan int)
	var group sync.WaitGroup
	for range inFlight {
		group.Go(func() {
			for i := range numbers {
				response, err := client.Get(fmt.Sprintf("%s%d/tags/list", os.Args[1], i))
				if err != nil || response.StatusCode != http.StatusOK {
					fmt.Fprintln(os.Stderr, response, err)
					os.Exit(1)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	for i := range images {
		numbers <- i
	}
	close(numbers)
	group.Wait()
}
