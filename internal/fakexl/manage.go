package fakexl

import "fmt"

// one parses a command line of n arguments, the first of which is a domain.
func (c *call) one(args []string, n int) (Domain, []string, error) {
	args, err := options(args, "", n, n, nil)
	if err != nil {
		return Domain{}, nil, err
	}
	dom, err := c.dir.find(c.host, args[0])
	return dom, args, err
}

func list(c *call, args []string) error {
	args, err := options(args, "", 0, 1, nil)
	if err != nil {
		return err
	}
	all := append([]Domain{{Name: "Domain-0", State: Running, Image: Image{Memory: 512 << 10, VCPUs: 1}}}, c.dir.Domains(c.host)...)
	if len(args) > 0 {
		dom, err := c.dir.find(c.host, args[0])
		if err != nil {
			return err
		}
		all = []Domain{dom}
	}
	fmt.Printf("%-40s %5s %5s %5s\tState\tTime(s)\n", "Name", "ID", "Mem", "VCPUs")
	letters := map[State]string{Running: "r-----", Paused: "--p---", Suspended: "---ss-"}
	for _, d := range all {
		fmt.Printf("%-40s %5d %5d %5d     %s  %8.1f\n", d.Name, d.ID, d.Memory>>10, d.VCPUs, letters[d.State], 0.0)
	}
	return nil
}

func domid(c *call, args []string) error {
	dom, _, err := c.one(args, 1)
	if err == nil {
		fmt.Println(dom.ID)
	}
	return err
}

func rename(c *call, args []string) error {
	dom, args, err := c.one(args, 2)
	if err != nil {
		return err
	}
	return c.dir.rename(&dom, args[1])
}

func pause(c *call, args []string) error {
	dom, _, err := c.one(args, 1)
	if err != nil || dom.State != Running {
		return err
	}
	return c.dir.become(&dom, Paused)
}

// unpause leaves a suspended domain as it is, without a word, as the real one.
func unpause(c *call, args []string) error {
	dom, _, err := c.one(args, 1)
	if err != nil || dom.State != Paused {
		return err
	}
	return c.dir.become(&dom, Running)
}

func destroy(c *call, args []string) error {
	dom, _, err := c.one(args, 1)
	if err != nil {
		return err
	}
	return c.dir.destroy(dom)
}
